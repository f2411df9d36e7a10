// A cloud for this machine alone. Its module comes from `pulumi package add`, see ../README.md.
package main

import (
	"example.com/pulumi-ocis-authelia/sdk/go/ocisauthelia"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		privateCa := ocisauthelia.TlsModePrivateCa
		cloud, err := ocisauthelia.NewCloud(ctx, "cloud", &ocisauthelia.CloudArgs{
			Prefix:    pulumi.StringRef("go-cloud"),
			Domain:    "go.localhost",
			Address:   pulumi.StringRef("127.0.0.1"),
			HttpsPort: pulumi.IntRef(8446),
			HttpPort:  pulumi.IntRef(0),
			Tls:       &ocisauthelia.TlsArgs{Mode: &privateCa},
			Users: map[string]ocisauthelia.UserArgs{
				"alice": {DisplayName: "Alice", Email: "alice@example.com"},
			},
			KeepData: pulumi.BoolRef(false),
		})
		if err != nil {
			return err
		}
		ctx.Export("cloudUrl", cloud.CloudUrl)
		ctx.Export("caCertificate", cloud.CaCertificate)
		ctx.Export("initialPasswords", cloud.InitialPasswords)
		return nil
	})
}
