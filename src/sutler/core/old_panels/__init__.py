"""Values as other panels keep them, read into ours: amounts, moments, texts, words. Rules without I/O."""
