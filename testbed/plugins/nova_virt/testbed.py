"""Nova's fake driver, plus what a cloud check notices: servers survive a restart of nova-compute, images for any
hypervisor and architecture find a host, snapshots put real bytes into Glance, there is a console log, and the
guests of the entropy test report as real ones did (see ../../consoles).

With TESTBED_GUESTS=real it is Nova's libvirt driver instead (see ../../guest)."""
import base64
import io
import json
import os
import re
import time
from pathlib import Path

from nova import context as nova_context
from nova import exception
from nova import objects
from nova.compute import power_state
from nova.compute import vm_states
from nova.image import glance
from nova.objects import fields
from nova.virt import fake

GONE = (vm_states.BUILDING, vm_states.DELETED, vm_states.SOFT_DELETED, vm_states.SHELVED_OFFLOADED)
CONSOLES = Path(__file__).resolve().parents[2] / "consoles"
REPORTS = ("healthy", "offline", "failing")
DEFAULT = {"guest": "healthy"}


def knobs(instance) -> dict:
    """What is to become of a guest: the first entry of nova-knobs.json whose "name" its name begins with, or
    whose "project" is its project; without either, an entry fits all."""
    try:
        entries = json.loads(Path(os.environ["STATE"], "nova-knobs.json").read_text())
    except FileNotFoundError:
        return DEFAULT
    for entry in entries:
        if (instance.display_name or "").startswith(entry.get("name", "")) and \
                entry.get("project", instance.project_id) == instance.project_id:
            return DEFAULT | entry
    return DEFAULT


def reports(instance) -> bool:
    """Whether the user data is that of the entropy test."""
    return "_scs-test-" in base64.b64decode(instance.user_data or "").decode(errors="replace")


def recording(instance) -> str:
    """What was recorded, with the addresses that Neutron gave to this guest."""
    knob = knobs(instance)
    if knob["guest"] not in REPORTS:
        return ""
    text = (CONSOLES / f"{knob['guest']}.txt").read_text()
    given: dict[int, list[tuple[str, str]]] = {4: [], 6: []}
    for vif in instance.info_cache.network_info if instance.info_cache else []:
        for subnet in vif["network"]["subnets"]:
            for ip in subnet["ips"]:
                given[subnet["version"]].append((f"{ip['address']}/{subnet['cidr'].split('/')[1]}",
                                                 subnet["gateway"]["address"]))
    for version, addresses in given.items():
        address = addresses[0][0] if addresses else "none"
        route = f"default via {addresses[0][1]} dev eth0" if addresses else "none"
        text = re.sub(rf"(own-address{version}: ).*", rf"\1eth0 {address}" if addresses else r"\1none", text)
        text = re.sub(rf"(own-route{version}: ).*", rf"\1{route}", text)
    return text


def shown(text: str, age: float, seconds: float) -> str:
    """As much of it as a guest of this age has printed, if the whole takes so many seconds."""
    return text if age >= seconds else text[:int(len(text) * age / seconds)]


class FakeGuests(fake.FakeDriverWithoutFakeNodes):  # the one fake driver whose node id survives a restart

    def init_host(self, host):
        super().init_host(host)
        self.host_status_base["supported_instances"] = [
            (arch, hypervisor, fields.VMMode.HVM)
            for arch in (fields.Architecture.X86_64, fields.Architecture.AARCH64)
            for hypervisor in (fields.HVType.QEMU, fields.HVType.KVM, fields.HVType.FAKE)]
        for i in objects.InstanceList.get_by_host(nova_context.get_admin_context(), host, expected_attrs=["flavor"]):
            if i.vm_state not in GONE:
                state = power_state.RUNNING if i.power_state is None else i.power_state
                self.instances[i.uuid] = fake.FakeInstance(i.name, state, i.uuid)

    def spawn(self, context, instance, *args, **kwargs):
        if reports(instance) and (message := knobs(instance).get("error")):
            raise exception.BuildAbortException(instance_uuid=instance.uuid, reason=message)
        super().spawn(context, instance, *args, **kwargs)

    def snapshot(self, context, instance, image_id, update_task_state):
        super().snapshot(context, instance, image_id, update_task_state)
        api = glance.API()
        meta = {"status": "active", "disk_format": "raw", "container_format": "bare",
                "properties": dict(api.get(context, image_id).get("properties") or {})}
        api.update(context, image_id, meta, io.BytesIO(b"\0" * 1048576))

    def get_console_output(self, context, instance):
        knob = knobs(instance)
        if knob["guest"] == "silent":
            return b""
        if reports(instance):
            age = time.time() - instance.launched_at.timestamp() if instance.launched_at else 0.0
            return shown(recording(instance), age, float(knob.get("seconds", 0))).encode()
        return (f"[    0.000000] Linux version 6.1.0 (fake)\n"
                f"[    1.000000] Booting {instance.display_name} ({instance.uuid})\n"
                f"{instance.hostname} login: ").encode()


if os.environ.get("TESTBED_GUESTS") == "real":
    from nova.virt.libvirt.driver import LibvirtDriver as Driver
else:
    Driver = FakeGuests
