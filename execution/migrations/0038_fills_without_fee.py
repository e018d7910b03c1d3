from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('execution', '0037_presets'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='fill',
            index=models.Index(condition=models.Q(('fee__isnull', True)), fields=['order'], name='fill_without_fee'),
        ),
    ]
