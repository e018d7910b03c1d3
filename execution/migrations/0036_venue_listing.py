import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('execution', '0035_baskets'),
    ]

    operations = [
        migrations.CreateModel(
            name='VenueListing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('symbols', models.JSONField(default=list)),
                ('changed_at', models.DateTimeField()),
                ('venue', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='listing', to='execution.venue')),
            ],
        ),
    ]
