"""What serves the repository, not the learner: lessons run, made blank, checked, exported; contracts mutated."""
