def tableaux(q, campagne):
    return {}
