"""An image whose tag moves at its registry, under a stack on a real engine."""

from __future__ import annotations

import json

import pytest

from tests.support.images import busybox_tar
from tests.support.registry import registry
from tests.support.serve import running

pytestmark = pytest.mark.system


def compose(image, **labels):
    service = {
        "image": image,
        "command": ["/bin/sh", "-c", "cat /file0; exec /bin/busybox sleep 3600"],
        "labels": labels,
        "stop_grace_period": "1s",
        "deploy": {"update_config": {"monitor": "1s"}},
    }
    return json.dumps({"name": "tglatest", "services": {"web": service}})


async def test_a_moved_tag_renews_a_service_that_is_to_have_the_latest_image_and_no_other_one(box, tmp_path, say):
    file, below = tmp_path / "compose.yaml", (busybox_tar(),)
    async with registry() as shop, running(tmp_path, docker=box.url) as tidegate:
        image = shop.put("shop/web", "v1", below=below, layers=(b"first\n",))
        try:
            file.write_text(compose(image))
            await tidegate.cli("up", "-f", str(file))
            assert (await tidegate.cli("logs", "web")).out == "web-1 | first\n"
            shop.put("shop/web", "v1", below=below, layers=(b"second\n",))
            assert "nothing to do" in (await tidegate.cli("up", "-f", str(file))).out

            file.write_text(compose(image, **{"aliyun.latest_image": "true"}))
            say((await tidegate.cli("up", "-f", str(file))).out.replace("\n", " / "))
            assert (await tidegate.cli("logs", "web")).out == "web-1-g2 | second\n"
            assert "nothing to do" in (await tidegate.cli("plan", "-f", str(file))).out
            shop.put("shop/web", "v1", below=below, layers=(b"third\n",))
            assert "image digest" in (await tidegate.cli("plan", "-f", str(file))).out
        finally:
            await tidegate.cli("down", "tglatest")
            for found in set((await box.docker("images", "-aq", shop.host + "/shop/web")).split()):
                await box.docker("rmi", "-f", found, check=False)
