"""The person seen whole: fields with their origin, consents, household, story, answers, and how far recognition reaches."""
