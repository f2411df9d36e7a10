"""A cloud for this machine alone. Its module comes from `pulumi package add`, see ../README.md."""

import pulumi
from pulumi_ocis_authelia import Cloud, TlsArgs, TlsMode, UserArgs

cloud = Cloud(
    "cloud",
    prefix="python-cloud",
    domain="python.localhost",
    address="127.0.0.1",
    https_port=8445,
    http_port=0,
    tls=TlsArgs(mode=TlsMode.PRIVATE_CA),
    users={"alice": UserArgs(display_name="Alice", email="alice@example.com")},
    keep_data=False,
)

pulumi.export("cloudUrl", cloud.cloud_url)
pulumi.export("caCertificate", cloud.ca_certificate)
pulumi.export("initialPasswords", cloud.initial_passwords)
