# The pages as they lie in /usr/share/doc/onhook, where links between them lead on as in the sources.
s|](\.\./gateway/config/|](|g
s|](\.\./gateway/store/|](|g
s|](\.\./gateway/ingress/|](ingress/|g
s|](\.\./\.\./gateway/admin/|](../|g
# Not in the package, which is for a machine.
s|\[\([^]]*\)\](\.\./kubernetes/[^)]*)|\1|g
s|\[\([^]]*\)\](KUBERNETES\.md[^)]*)|\1|g
