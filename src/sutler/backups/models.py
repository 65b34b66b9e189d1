"""The runs of `sutler backup`: what came of each, and how old the newest good one is."""

from django.db import models
from django.db.models import Q


class BackupRun(models.Model):
    """One run of `sutler backup`, under way or ended. The newest are kept.

    It is done when the archive was made and, where a check was asked for, restored and verified.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    archive = models.CharField(max_length=1000, blank=True)
    size_bytes = models.BigIntegerField(null=True)
    has_key = models.BooleanField(default=False)
    is_checked = models.BooleanField(default=False)
    # Why it failed, in the words of the program that did.
    fault = models.CharField(max_length=1000, blank=True)

    class Meta:
        constraints = [
            # Never two at once.
            models.UniqueConstraint(models.Value(1), condition=Q(state="running"), name="one_running_backup")
        ]
        indexes = [models.Index(fields=["started_at"], condition=Q(state="done"), name="backup_done")]

    def __str__(self) -> str:
        return f"{self.state}, begun {self.started_at:%Y-%m-%d %H:%M}"
