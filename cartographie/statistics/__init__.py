"""Stage 5: the statistics. Pure functions, numpy/scipy/pandas only: frames and arrays in, frames and arrays out."""
