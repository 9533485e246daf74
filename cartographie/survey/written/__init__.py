"""The files of schemas/: what each may hold, said once; read at their lines, refused in French, described to editors."""
