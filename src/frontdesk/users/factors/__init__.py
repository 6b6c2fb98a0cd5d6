"""What users prove themselves with beside the password: an authenticator app, and recovery codes for the day it is lost."""
