"""What makes sense in a programme, part by part. A check gets one part and says (place within it, message)."""
