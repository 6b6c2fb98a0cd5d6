"""The benchmarks: our figures beside limits measured in the same run. `python -m bench` prints a line per figure."""
