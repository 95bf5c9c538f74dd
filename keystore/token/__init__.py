"""Keys in a PKCS#11 token: a keeper process loads the vendor's module, the kernel asks it over a socket."""
