"""The pages that a browser opens: templates, styles and scripts, all served from here."""
