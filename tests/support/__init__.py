"""What tests in Python share: TAP, scratch folders, programs, certificates, usherd, namespaces."""
