"""`python -m sutler`: the command `sutler`."""

from sutler.cli import main

main(prog_name="sutler")
