import django.db.models.deletion
import execution.models.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('execution', '0036_venue_listing'),
    ]

    operations = [
        migrations.CreateModel(
            name='Preset',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', execution.models.fields.PublicIdField(default=execution.models.fields.draw_public_id, editable=False, max_length=8, unique=True)),
                ('name', models.CharField(max_length=40)),
                ('symbol', models.CharField(blank=True, help_text='empty: any symbol', max_length=40)),
                ('algorithm', models.CharField(max_length=16)),
                ('parameters', models.JSONField(help_text="as an order's terms keep them")),
                ('accounts', models.JSONField(blank=True, default=list, help_text='public ids; empty: the ticket keeps its own')),
                ('limit_mode', models.CharField(choices=[('leave', 'leave'), ('none', 'none'), ('beside', 'beside')], default='leave', max_length=8)),
                ('changed_at', models.DateTimeField()),
                ('changed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='presets', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(condition=models.Q(('owner__isnull', False)), fields=('owner', 'algorithm', 'symbol', 'name'), name='preset_name_once_per_person'),
                    models.UniqueConstraint(condition=models.Q(('owner__isnull', True)), fields=('algorithm', 'symbol', 'name'), name='preset_name_once_per_desk'),
                ],
            },
        ),
    ]
