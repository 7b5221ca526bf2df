"""Job audiences: see JOBS in wayprint.pipeline for its steps; options as of `wayprint run`."""

from wayprint.cli import job

if __name__ == "__main__":
    job("audiences")
