"""python -m cartographie"""

from cartographie.cli import run_main

run_main()
