"""What every test may ask for. The fixtures themselves stand in files of their own."""

pytest_plugins = ["tests.fixtures_portal", "tests.fixtures_s3"]
