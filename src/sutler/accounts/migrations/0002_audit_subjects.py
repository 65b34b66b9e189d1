import re
from typing import Any

from django.db import migrations, models

_BATCH = 2000
# How subjects were written, and what they become.
_NUMBERED = re.compile(
    r"(customer|staff|service|order|provider|category|alarm|announcement|method|payment|group|terms|verification)"
    r" ([0-9]{1,18})"
)
_CURRENCY = re.compile(r"(currency) ([A-Z]{3,5})")
_COUNTED = re.compile(r"([0-9]{1,18}) services")
_NAMED = {
    "panel": "panel",
    "catalogue": "categories",
    "category": "category",
    "orders": "orders",
    "all providers": "providers",
}


def subject_of(text: str) -> tuple[str, str]:
    """Returns the type and the id that the subject of an entry was; the text itself where that is not certain."""
    if text in _NAMED:
        return _NAMED[text], ""
    if match := _NUMBERED.fullmatch(text) or _CURRENCY.fullmatch(text):
        return match.group(1), match.group(2)
    if match := _COUNTED.fullmatch(text):
        return "services", match.group(1)
    return "text", text


def read_subjects(apps: Any, _schema_editor: Any) -> None:
    """Gives the entries the type and the id that their subject was; a provider that was added had its name there."""
    rows, last = apps.get_model("accounts", "AuditEntry").objects.order_by("pk"), 0
    while batch := list(rows.filter(pk__gt=last)[:_BATCH]):
        for row in batch:
            subject = ("text", row.what) if row.action == "provider added" else subject_of(row.what)
            row.subject_type, row.subject_id = subject
        rows.model.objects.bulk_update(batch, ["subject_type", "subject_id"], batch_size=200)
        last = batch[-1].pk


class Migration(migrations.Migration):
    """What an entry of the audit log is about is a type and an id instead of a text."""

    dependencies = [("accounts", "0001_tables")]

    operations = [
        migrations.AddField(
            "auditentry", "subject_type", models.CharField(max_length=20, default="text"), preserve_default=False
        ),
        migrations.AddField(
            "auditentry",
            "subject_id",
            models.CharField(max_length=100, blank=True, default=""),
            preserve_default=False,
        ),
        migrations.RunPython(read_subjects, migrations.RunPython.noop),
        migrations.RemoveIndex("auditentry", "audit_of_what"),
        migrations.RemoveField("auditentry", "what"),
        migrations.AddIndex(
            "auditentry", models.Index(fields=["subject_type", "subject_id", "id"], name="audit_of_subject")
        ),
    ]
