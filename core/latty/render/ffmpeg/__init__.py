"""FFmpeg through PyAV: containers, encoders, films."""
