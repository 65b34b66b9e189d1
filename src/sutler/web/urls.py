"""The addresses of the ground: front page, signing in, files, preferences."""

from django.urls import include, path

from sutler.web import assets, front, preferences, terms

urlpatterns = [
    path("", front.front_page, name="front_page"),
    path("assets/<path:name>", assets.asset, name="asset"),
    path("theme", preferences.set_theme, name="set_theme"),
    path("language", preferences.set_language, name="set_language"),
    path("terms", terms.show, name="terms"),
    path("account/", include("allauth.urls")),
]
