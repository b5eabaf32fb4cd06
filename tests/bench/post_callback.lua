-- For wrk: a callback of usual form and size.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json;charset=UTF-8"
wrk.body = [[{"callSerialNo":"1645524280990-0001","serviceNo":"1001","called":"88812345678","caller":"88887654321","callerPresent":"88880000000","callData":"order=4711","createCallTime":"2022/02/22,10:04:40:990","alertingTime":"2022/02/22,10:04:42:120","talkingTime":"2022/02/22,10:04:47:520","releaseTime":"2022/02/22,10:04:53:420","talkDuration":"6","recordfile":"","locationId":"","releaseReason":"0"}]]
