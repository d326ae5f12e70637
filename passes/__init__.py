"""What a member sees on the phone."""
