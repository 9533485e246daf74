"""The statistics, pure functions: frames and arrays in, frames and arrays out; declared tables → weighted figures and their precision."""
