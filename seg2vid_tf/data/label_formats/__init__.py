"""What annotation tools and data sets write: one reader a format, pictures with numbers and names out."""
