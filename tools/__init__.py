"""What serves the repository and not the learner: the page as its reader sees it, checked and exported."""
