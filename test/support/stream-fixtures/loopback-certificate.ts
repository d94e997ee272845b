/**
 * A certificate for 127.0.0.1, localhost and target.invalid, signed by itself, valid from 2020 to 2120. Its key is
 * public by being here: it is for servers of tests on loopback, and nothing trusts it but the tests.
 */
export const LOOPBACK_CERTIFICATE = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgtT6bOnQYbmCDcn56
YT/al05Wlh5eHUkqrE6DuuPzlYKhRANCAATEVv4GVoKklYJ2YU/TQMuSzwivIzgb
1qoBLEZ1nRHYlqwlFknTX/Sold3iKxpamRlulgTorzmmTAjboVwHiXL7
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBfjCCASWgAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1sb29wYmFj
ayB0ZXN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYwFAYD
VQQDDA1sb29wYmFjayB0ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExFb+
BlaCpJWCdmFP00DLks8IryM4G9aqASxGdZ0R2JasJRZJ01/0qJXd4isaWpkZbpYE
6K85pkwI26FcB4ly+6NeMFwwDwYDVR0TAQH/BAUwAwEB/zAqBgNVHREEIzAhhwR/
AAABgglsb2NhbGhvc3SCDnRhcmdldC5pbnZhbGlkMB0GA1UdDgQWBBQWYmjaFaW6
dZ7enwKa+XiFs1lWqDAKBggqhkjOPQQDAgNHADBEAiBETD+cVO/DM4z2f28WtsnL
HVfIkyrSy8FTNsl+6CQcPwIgXANzmaOwmUKtkILP1oQK5QhCML1qf3LXu6G3lsIZ
x8k=
-----END CERTIFICATE-----
`,
} as const;
