"""What goes to respondents and comes back: questionnaire, pre-filled forms, corrections, letters, follow-up."""
