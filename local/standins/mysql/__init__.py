"""Aurora MySQL: a MariaDB server of this machine."""
