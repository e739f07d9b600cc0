"""Which addresses of the network are public: programs that follow what strangers wrote reach no others."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(ip: Address) -> bool:
    """Whether ``ip``, or the address it carries inside, belongs to the open internet."""
    inner = innermost(ip)
    return inner.is_global and not inner.is_multicast


def innermost(ip: Address) -> Address:
    """The IPv4 address that an IPv6 one may carry inside: mapped, 6to4, Teredo, NAT64, compatible."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    if ip in _NAT64 or (int(ip) >> 32 == 0 and int(ip) > 1):
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip
