"""python -m cartographie"""

from cartographie.cli.main import run_main

run_main()
