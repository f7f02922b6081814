"""Object stores behind one interface: folders and S3. What the objects mean is not known here."""
