from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('execution', '0031_token_scopes'),
    ]

    operations = [
        migrations.AlterField(
            model_name='alert',
            name='kind',
            field=models.CharField(choices=[('behind_schedule', 'Behind schedule'), ('child_unknown', 'Child unknown for too long'), ('refusals', 'Refusals in a row'), ('market_data_stale', 'Market data stale'), ('account_down', 'Exchange or account down'), ('overfill', 'Overfill'), ('late_fill', 'Late fill'), ('engine_lost', 'Engine lost'), ('engine_failing', 'Part of an engine fails'), ('difference', 'Difference from a venue'), ('order_paused', 'Order waits for a person'), ('disk_low', 'Disk nearly full'), ('limit_near', 'Limit nearly reached'), ('limit_broken', 'Limit broken'), ('approval_waiting', 'Order waits for approval'), ('logins_attacked', 'Logins under attack'), ('access_waiting', 'Access waits for a second person'), ('key_changed', 'Rights of a key have changed'), ('journal_broken', 'Journal broken')], max_length=20),
        ),
        migrations.AlterField(
            model_name='alertsignal',
            name='kind',
            field=models.CharField(choices=[('behind_schedule', 'Behind schedule'), ('child_unknown', 'Child unknown for too long'), ('refusals', 'Refusals in a row'), ('market_data_stale', 'Market data stale'), ('account_down', 'Exchange or account down'), ('overfill', 'Overfill'), ('late_fill', 'Late fill'), ('engine_lost', 'Engine lost'), ('engine_failing', 'Part of an engine fails'), ('difference', 'Difference from a venue'), ('order_paused', 'Order waits for a person'), ('disk_low', 'Disk nearly full'), ('limit_near', 'Limit nearly reached'), ('limit_broken', 'Limit broken'), ('approval_waiting', 'Order waits for approval'), ('logins_attacked', 'Logins under attack'), ('access_waiting', 'Access waits for a second person'), ('key_changed', 'Rights of a key have changed'), ('journal_broken', 'Journal broken')], max_length=20),
        ),
    ]
