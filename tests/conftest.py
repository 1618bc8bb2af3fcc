"""What every test may ask for. The fixtures themselves stand in files of their own."""

import os

pytest_plugins = ["tests.fixtures_mail", "tests.fixtures_portal", "tests.fixtures_s3"]

# The gap between two requests is for other people's servers: those of the tests are our own.
os.environ.setdefault("GLANE_HOST_GAP", "0")
# The lists of communes are other people's too; a test that wants one serves it.
os.environ.setdefault("GLANE_REFERENCES", "off")
