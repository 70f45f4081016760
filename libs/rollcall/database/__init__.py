"""PostgreSQL: pool, named queries, migrations, and what a driver error means."""
