"""The addresses of the ground: front page, signing in, files, preferences."""

from django.urls import include, path

from sutler.web import assets, branding, front, preferences, report
from sutler.web.sign_in import sessions, terms

urlpatterns = [
    path("", front.front_page, name="front_page"),
    path("assets/<path:name>", assets.asset, name="asset"),
    path("theme", preferences.set_theme, name="set_theme"),
    path("language", preferences.set_language, name="set_language"),
    path("terms", terms.show, name="terms"),
    path("terms/accept", terms.accept, name="terms_accept"),
    path("acceptable-use", terms.show_acceptable_use, name="acceptable_use"),
    path("report", report.report, name="report"),
    path("report/sent", report.report_sent, name="report_sent"),
    path("panel/accent.css", branding.accent_css, name="accent"),
    path("panel/logo", branding.logo, name="logo"),
    path("account/sessions/<int:session_id>/end", sessions.end, name="session_end"),
    path("account/", include("allauth.urls")),
]
