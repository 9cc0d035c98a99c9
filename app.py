"""What a WSGI server is pointed at: `app:app`."""

from precog import create_app

app = create_app()
