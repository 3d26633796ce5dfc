"""What a structural annotation is: its classes, its files, its encoding."""
