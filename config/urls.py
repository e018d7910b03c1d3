from django.contrib import admin
from django.urls import include, path

from dashboard.api.document import api

handler500 = "dashboard.views.errors.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    path("", include("dashboard.urls")),
]
