from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"

    def ready(self) -> None:
        import dashboard.sessions  # noqa: F401  hears who logs in and out
