"""Where a reader comes back to: pages answer GET; the deeds of their forms have addresses that only take POST."""

from urllib.parse import urlsplit

from django.http import HttpRequest


def page_address(request: HttpRequest) -> str:
    """Returns the address of the page asked for; of a form that was sent, that of the page on which it stands."""
    if request.method == "POST":
        form_page = urlsplit(request.headers.get("Referer", ""))
        if form_page.netloc == request.get_host() and not form_page.path.startswith("//"):
            return form_page._replace(scheme="", netloc="", fragment="").geturl() or "/"
    return request.get_full_path()
