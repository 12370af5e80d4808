#!/usr/bin/env python3
"""network.py CLOUDS_YAML FOLDER: what Neutron's DHCP and L3 agents do, for networks with guests on them.

Looks at Neutron every few seconds and makes: per network a namespace with dnsmasq, whose leases are Neutron's
ports; per router a namespace with its ports, source NAT and floating IPs, and router advertisements for IPv6;
and on the host the gateway address of external networks, so that it reaches floating IPs.
"""
import ipaddress
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import openstack

PAUSE = 2.0
PRIVATE = [ipaddress.ip_network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def run(*command: str, fine: bool = False, text: str | None = None) -> str:
    done = subprocess.run(command, env={**os.environ, "PATH": PATH}, input=text, text=True, capture_output=True)
    if done.returncode and not fine:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def version(address: str) -> int:
    return ipaddress.ip_address(address.split("/")[0]).version


def may_be_on_host(cidr: str) -> bool:
    """Private ranges that this machine does not use; any other could cut it off from its mirrors or resolvers."""
    network = ipaddress.ip_network(cidr)
    if network.version != 4 or not any(network.subnet_of(private) for private in PRIVATE):
        return False
    for line in run("ip", "-4", "route").splitlines():
        words = line.split()
        used = [words[0]] if words[0][0].isdigit() else []
        used += [words[words.index("via") + 1]] if "via" in words else []
        device = words[words.index("dev") + 1] if "dev" in words else ""
        if not device.startswith("brq") and any(network.overlaps(ipaddress.ip_network(one)) for one in used):
            return False
    resolvers = [line.split()[1] for line in Path("/etc/resolv.conf").read_text().splitlines()
                 if line.startswith("nameserver ")]
    return not any(ipaddress.ip_address(one.split("%")[0]) in network for one in resolvers)


class Bridges:
    """The Linux bridges of networks, named as os-vif names them."""

    def __init__(self) -> None:
        self.addresses: dict[str, set[str]] = {}

    @staticmethod
    def name(network: str) -> str:
        return ("brq" + network)[:14]

    def make(self, network: str, addresses: set[str] = frozenset()) -> str:
        name = self.name(network)
        if not Path("/sys/class/net", name).exists():
            run("ip", "link", "add", name, "type", "bridge", "forward_delay", "0", fine=True)
        if name not in self.addresses:
            run("ip", "link", "set", name, "up")
            Path("/sys/class/net", name, "bridge/stp_state").write_text("0")
            self.addresses[name] = set()
        for address in addresses - self.addresses[name]:
            run("ip", "address", "replace", address, "dev", name)
            self.addresses[name].add(address)
        return name

    def keep(self, networks: set[str]) -> None:
        for name in set(self.addresses) - {self.name(network) for network in networks}:
            run("ip", "link", "delete", name, fine=True)
            del self.addresses[name]


class Namespace:
    """A network namespace with ports of Neutron in it, and at most one dnsmasq."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.file = name, folder / name
        self.links: dict[str, set[str]] = {}
        self.dnsmasq: subprocess.Popen | None = None
        self.arguments: list[str] = []
        self.last: dict[str, Any] = {}
        run("ip", "netns", "delete", name, fine=True)
        run("ip", "netns", "add", name)
        self("ip", "link", "set", "lo", "up")

    def __call__(self, *command: str, **more: Any) -> str:
        return run("ip", "netns", "exec", self.name, *command, **more)

    def plug(self, port: Any, network: Any, subnets: dict, bridges: Bridges, more: list[str] = ()) -> str:
        """The port as a pair of devices between here and the network's bridge."""
        inner, outer = "p" + port.id[:11], "gb" + port.id[:11]
        if inner not in self.links:
            run("ip", "link", "delete", outer, fine=True)
            run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", self.name)
            self("ip", "link", "set", inner, "address", port.mac_address)
            for device, where in ((outer, run), (inner, self)):
                where("ip", "link", "set", device, "mtu", str(network.mtu or 1500))
                where("ip", "link", "set", device, "up")
            run("ip", "link", "set", outer, "master", bridges.make(network.id))
            self.links[inner] = set()
        wanted = {f"{ip['ip_address']}/{subnets[ip['subnet_id']].cidr.split('/')[1]}" for ip in port.fixed_ips}
        wanted |= set(more)
        for address in self.links[inner] - wanted:
            self("ip", "address", "delete", address, "dev", inner, fine=True)
        for address in wanted - self.links[inner]:
            quick = ["nodad"] if version(address) == 6 else []
            self("ip", "address", "replace", address, "dev", inner, *quick)
        self.links[inner] = wanted
        return inner

    def unplug_all_but(self, keep: set[str]) -> None:
        for inner in set(self.links) - keep:
            run("ip", "link", "delete", "gb" + inner[1:], fine=True)
            del self.links[inner]

    def changed(self, what: str, value: Any) -> bool:
        before, self.last[what] = self.last.get(what), value
        return before != value

    def serve(self, arguments: list[str]) -> None:
        """Runs dnsmasq with these arguments; none means not at all."""
        alive = self.dnsmasq is not None and self.dnsmasq.poll() is None
        if arguments == self.arguments and alive == bool(arguments):
            return
        self.stop_dnsmasq()
        self.arguments = arguments
        if arguments:
            with open(f"{self.file}.log", "a") as log:
                self.dnsmasq = subprocess.Popen(
                    ["ip", "netns", "exec", self.name, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                     "--no-hosts", "--no-resolv", "--port=0", "--bind-interfaces", "--leasefile-ro", "--user=root",
                     "--log-facility=-", f"--pid-file={self.file}.pid", *arguments],
                    env={**os.environ, "PATH": PATH}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop_dnsmasq(self) -> None:
        if self.dnsmasq is not None and self.dnsmasq.poll() is None:
            self.dnsmasq.terminate()
            self.dnsmasq.wait(10)

    def remove(self) -> None:
        self.stop_dnsmasq()
        self.unplug_all_but(set())
        run("ip", "netns", "delete", self.name, fine=True)


class Agent:
    def __init__(self, cloud: openstack.connection.Connection, folder: Path) -> None:
        self.cloud, self.folder = cloud, folder
        self.bridges, self.namespaces = Bridges(), {}

    def namespace(self, name: str) -> Namespace:
        if name not in self.namespaces:
            self.namespaces[name] = Namespace(name, self.folder)
        return self.namespaces[name]

    def look(self) -> None:
        neutron = self.cloud.network
        self.networks = {network.id: network for network in neutron.networks()}
        self.subnets = {subnet.id: subnet for subnet in neutron.subnets()}
        self.ports = list(neutron.ports())
        in_use = {port.network_id for port in self.ports if port.device_owner.startswith("compute:")}
        wanted = set()
        for network in in_use & set(self.networks):
            self.bridges.make(network)
            wanted.add(self.dhcp(self.networks[network]))
        routers = {port.device_id for port in self.ports
                   if port.device_owner == "network:router_interface" and port.network_id in in_use}
        if routers:
            floating = list(neutron.ips())
            for router in neutron.routers():
                if router.id in routers:
                    wanted.add(self.router(router, floating))
        for name in set(self.namespaces) - wanted:
            self.namespaces.pop(name).remove()
        self.bridges.keep(set(self.networks))

    def dhcp(self, network: Any) -> str | None:
        served = {subnet.id: subnet for subnet in self.subnets.values()
                  if subnet.network_id == network.id and subnet.is_dhcp_enabled and subnet.ip_version == 4}
        if not served:
            return None
        port = next((port for port in self.ports
                     if port.network_id == network.id and port.device_owner == "network:dhcp"), None)
        if port is None:
            port = self.cloud.network.create_port(
                network_id=network.id, name="testbed-dhcp", device_owner="network:dhcp", device_id="testbed",
                project_id=network.project_id, fixed_ips=[{"subnet_id": subnet} for subnet in served])
        namespace = self.namespace("gbd-" + network.id[:11])
        device = namespace.plug(port, network, self.subnets, self.bridges)
        namespace.unplug_all_but({device})
        hosts = "".join(sorted(f"{port.mac_address},set:{ip['subnet_id'][:8]},{ip['ip_address']}\n"
                               for port in self.ports
                               if port.network_id == network.id and port.device_owner.startswith("compute:")
                               for ip in port.fixed_ips if ip["subnet_id"] in served))
        if namespace.changed("hosts", hosts):
            Path(f"{namespace.file}.hosts").write_text(hosts)
            if namespace.dnsmasq is not None:
                namespace.dnsmasq.send_signal(signal.SIGHUP)
        arguments = [f"--interface={device}", "--dhcp-authoritative", f"--dhcp-hostsfile={namespace.file}.hosts",
                     f"--dhcp-option=option:mtu,{network.mtu}"]
        for subnet in served.values():
            tag, cidr = subnet.id[:8], ipaddress.ip_network(subnet.cidr)
            arguments += [
                f"--dhcp-range=set:{tag},{cidr.network_address},static,{cidr.netmask},1h",
                ",".join([f"--dhcp-option=tag:{tag},option:router", *filter(None, [subnet.gateway_ip])]),
                ",".join([f"--dhcp-option=tag:{tag},option:dns-server", *subnet.dns_nameservers])]
        namespace.serve(arguments)
        return namespace.name

    def router(self, router: Any, floating: list) -> str:
        namespace = self.namespace("gbr-" + router.id[:11])
        mine = [ip for ip in floating if ip.router_id == router.id and ip.fixed_ip_address]
        outside = (router.external_gateway_info or {}).get("network_id")
        if outside in self.networks:
            self.bridges.make(outside, {f"{subnet.gateway_ip}/{subnet.cidr.split('/')[1]}"
                                        for subnet in self.subnets.values()
                                        if subnet.network_id == outside and subnet.gateway_ip
                                        and may_be_on_host(subnet.cidr)})
        devices, rules, gateway, advertise = set(), [], None, []
        for port in (port for port in self.ports if port.device_id == router.id):
            is_gateway = port.device_owner == "network:router_gateway"
            more = [f"{ip.floating_ip_address}/32" for ip in mine] if is_gateway else []
            device = namespace.plug(port, self.networks[port.network_id], self.subnets, self.bridges, more)
            devices.add(device)
            of = {number: [ip for ip in port.fixed_ips if version(ip["ip_address"]) == number] for number in (4, 6)}
            if is_gateway and of[4]:
                gateway = self.subnets[of[4][0]["subnet_id"]].gateway_ip
                for ip in mine:
                    rules += [f"-A PREROUTING -d {ip.floating_ip_address}/32 -j DNAT --to-destination {ip.fixed_ip_address}",
                              f"-A POSTROUTING -s {ip.fixed_ip_address}/32 -o {device} -j SNAT --to-source {ip.floating_ip_address}"]
                rules.append(f"-A POSTROUTING -o {device} -j SNAT --to-source {of[4][0]['ip_address']}")
            if not is_gateway and of[6]:
                advertise += [f"--interface={device}", f"--dhcp-range=::,constructor:{device},ra-only"]
        namespace.unplug_all_but(devices)
        if namespace.changed("forwarding", True):
            namespace("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        if namespace.changed("gateway", gateway) and gateway:
            namespace("ip", "route", "replace", "default", "via", gateway)
        if namespace.changed("rules", rules):
            namespace("iptables-restore", text="\n".join(["*nat", *rules, "COMMIT", ""]))
        namespace.serve(["--enable-ra", *advertise] if advertise else [])
        return namespace.name

    def stop(self, *_: Any) -> None:
        for namespace in self.namespaces.values():
            namespace.remove()
        for name, addresses in self.bridges.addresses.items():
            for address in addresses:
                run("ip", "address", "delete", address, "dev", name, fine=True)
            if not list(Path("/sys/class/net", name, "brif").iterdir()):
                run("ip", "link", "delete", name, fine=True)
        os._exit(0)


def main(clouds_yaml: str, folder: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    config = openstack.config.OpenStackConfig(config_files=[clouds_yaml], load_envvars=False).get_one("testbed-admin")
    agent = Agent(openstack.connection.Connection(config=config), Path(folder))
    signal.signal(signal.SIGTERM, agent.stop)
    last = None
    while True:
        try:
            agent.look()
            last = None
        except Exception as error:  # such as a network that was deleted meanwhile: the next look is right again
            if str(error) != last:
                traceback.print_exc()
                sys.stderr.flush()
            last = str(error)
        time.sleep(PAUSE)


main(*sys.argv[1:])
