"""The page to paint on. page.py alone knows Gradio; everything else is plain functions."""
