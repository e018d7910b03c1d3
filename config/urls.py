from django.contrib import admin
from django.urls import include, path

from dashboard.api.document import api
from dashboard.views.login import admin_login

handler500 = "dashboard.views.errors.server_error"

urlpatterns = [
    path("admin/login/", admin_login),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    path("", include("dashboard.urls")),
]
