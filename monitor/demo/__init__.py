"""The demo: a real model on real flights, watched for the year 2013."""
