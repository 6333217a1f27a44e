"""A real pipeline over scikit-learn's handwritten digits; each stage is `python -m digits.X`."""
