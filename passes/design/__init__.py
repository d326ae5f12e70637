"""How a partner's cards look: versions of designs, their pictures, and the stages in which they reach the passes."""
